"""The AWS services the functions call, in memory, at the level of boto3's clients: requests and answers as botocore has them."""
