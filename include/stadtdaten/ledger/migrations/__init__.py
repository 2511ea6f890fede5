"""How a stored ledger follows the models: Alembic's revisions, shipped inside the package.

There is no alembic.ini: the address of the ledger is a setting, and migrations run from any working directory. A new
revision is written in a checkout, against a ledger at the last one::

    with engine.begin() as connection:
        alembic.command.revision(config(connection), "what changes", autogenerate=True)
"""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from sqlalchemy import Connection


def config(connection: Connection) -> Config:
    """Alembic's configuration for the ledger behind ``connection``, whose transaction the migrations join."""
    settings = Config(attributes={"connection": connection})
    # Alembic reads options by configparser, to which a percent sign in the path would be an interpolation.
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    return settings
