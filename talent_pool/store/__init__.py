"""The one place where a database is opened; its tables and migrations, and what every other package needs of it."""
