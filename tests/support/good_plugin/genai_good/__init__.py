"""A plugin that keeps every promise; the mutants in test_contract_suite.py each break one."""
