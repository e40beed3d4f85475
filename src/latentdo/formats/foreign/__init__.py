"""One format a file: its reader, and its writer where it has one."""
