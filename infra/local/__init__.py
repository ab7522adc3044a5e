"""The Pulumi program on one machine: moto answers as AWS, real Lambda runtime clients run the functions' code.

Nothing here describes the system: `infra.stack` does. What is here stands in for AWS itself (DESIGN §6).
"""
