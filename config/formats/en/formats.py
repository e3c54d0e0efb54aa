# Timelines are compared with logs: to the second, and in the same zone for everybody.
DATETIME_FORMAT = "Y-m-d H:i:s T"
