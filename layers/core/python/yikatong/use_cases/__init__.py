"""One module per verb: what a handler calls. They take the ports they need and know no AWS."""
