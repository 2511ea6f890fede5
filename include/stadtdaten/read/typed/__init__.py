"""From text to typed values: numbers, moments, periods, markers, in German notation."""
