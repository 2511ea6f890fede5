"""From a typed table to one in which nobody can be found, and the proof of it.

``anonymisation`` does what the contract declares, ``audit`` judges the result without trusting it, ``columns`` says
what is left to publish, ``admission`` which portal may have it. Import the module you need: ``columns`` and
``admission`` go without pandas and the solver.
"""
