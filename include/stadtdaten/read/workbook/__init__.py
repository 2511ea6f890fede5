"""Workbooks (xlsx, xlsm, xls, ods): values, marks and safety of a sheet, as a grid of text cells."""
