"""What a graph says of a table, tested: independences, Verma constraints, the instrumental inequality."""
