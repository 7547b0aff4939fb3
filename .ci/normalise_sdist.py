"""Write an sdist again with one time, one owner and sorted names, so that equal sources give equal bytes."""

import gzip
import io
import sys
import tarfile
from pathlib import Path


def main() -> None:
    """Rewrite the archive in place."""
    path, stamp = Path(sys.argv[1]), int(sys.argv[2])
    out = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda m: m.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = stamp, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    path.write_bytes(gzip.compress(out.getvalue(), mtime=stamp))


main()
