"""How fast every route is, next to a bare Flask view under the same server."""
