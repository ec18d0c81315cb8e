"""Match models of the pool, numbered: made (`training`), looked at (`preview`), put in force (`enacting`)."""
