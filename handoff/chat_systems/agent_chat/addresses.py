"""Where ServiceNow keeps the files that its envelopes name."""

import re
from urllib.parse import urlsplit

from servicenow_auth.exceptions import Rejected

# Whoever writes in a chat chooses the address, and we would fetch it with all that the
# integration user may read: so nothing but what serves files, and no "..", "%" or ";".
FILE = re.compile(
    r"/(sys_attachment\.do"
    r"|[\w-]+\.iix"
    r"|api/now/(v\d+/)?(attachment|cs/media|cccif/media)(/[\w-][\w.-]*)+)",
    re.ASCII,
)


def path_of(address: str, *, origin: str) -> str:
    """Return path and query of a file on the instance; Rejected of anything else."""
    try:
        parts = urlsplit(address)
    except ValueError:
        raise Rejected("The file has no valid address.", status=400) from None
    if parts.netloc and f"{parts.scheme}://{parts.netloc.lower()}" != origin:
        raise Rejected("The file is not on the instance.", status=403)
    # ServiceNow's own addresses come with two slashes behind the host as well.
    path = f"/{parts.path.lstrip('/')}"
    if not FILE.fullmatch(path):
        raise Rejected("The address is not that of a file.", status=403)
    return f"{path}?{parts.query}" if parts.query else path
