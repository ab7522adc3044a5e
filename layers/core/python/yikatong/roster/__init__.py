"""名册: from the bytes a bureau sends to a frozen roster and a report it can act on (DESIGN §4).

`validation.validate` is the way in; `reading` opens files, `checks` and `repeats` judge rows, `findings` is the closed
list of what can be said, `report` says it, `sample` makes rosters to try it with.
"""
