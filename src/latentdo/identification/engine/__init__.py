"""From graph and question to formula: what is asked (ID, IDC), what decides it, how the formula is written and evaluated."""
