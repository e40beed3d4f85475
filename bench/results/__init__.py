"""What long benchmark runs found, and the tables of the documentation that are made from it.

`calibration.json`, `coverage.json`, `agreement.jsonl`, `covid.json` and `training.jsonl` are what `bench/calibration.py
--summary`, `coverage.py --summary`, `agreement.py --output`, `covid_floor.py --json` and `training.py --output` wrote;
`asking.json` and `asking_errors.json` what `asking.py --output` and `asking.py --errors --output` did, `nhefs.json` and
`witnesses.json` what `nhefs.py --output` and `witnesses.py --output` did. `python -m results` from `bench/` puts them into
the pages.
"""
