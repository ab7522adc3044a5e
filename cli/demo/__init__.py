"""`yikatong demo`: four subsidies of the official plan, paid on the local cloud from roster to public record."""
