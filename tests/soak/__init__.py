"""A soak: ``python -m tests.soak`` loads a service that is killed all the while."""
