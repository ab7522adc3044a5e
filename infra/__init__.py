"""The Pulumi program and, in `infra.local`, the same program on one machine."""
