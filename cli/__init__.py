"""The `yikatong` command line, for bureaus, banks and operators. Its words are Chinese; its code is English."""
