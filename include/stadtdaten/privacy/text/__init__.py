"""Personal data in texts: found, and taken out. Import the module you need."""
