"""From records to records each of which looks like several others: import the module you need."""
