"""From rows to tables of counts and sums that withstand an attack: import the module you need."""
