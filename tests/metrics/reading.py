"""Read what ``/metrics`` says."""

from prometheus_client.parser import text_string_to_metric_families


class Told(dict[str, float]):
    """
    Values by name and labels, as Prometheus writes them, without the namespace.

    What is not there is 0, as of a counter that has counted nothing.
    """

    def __missing__(self, name: str) -> float:
        return 0.0

    def since(self, before: "Told") -> "Told":
        """Return how much more there is of each than there was *before*."""
        grown = {name: value - before[name] for name, value in self.items()}
        return Told({name: value for name, value in grown.items() if value})


def read(text: str) -> Told:
    """Read *text*, all of it: a library of Prometheus's own must understand it."""
    told = Told()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.name.startswith("keysvc_"), sample
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            name = sample.name.removeprefix("keysvc_")
            told[f"{name}{{{labels}}}" if labels else name] = sample.value
    return told
