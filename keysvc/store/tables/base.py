"""What every table is made of."""

import peewee

database = peewee.DatabaseProxy()


class Table(peewee.Model):
    """Base of all tables."""

    class Meta:
        database = database
