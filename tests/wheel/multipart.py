"""Bodies of browsers' forms with a file."""

BOUNDARY = "boundary-of-the-test"


def multipart(fields, **files):
    """Headers and body for `fields`, and files as `name=(file name, bytes)`."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    for name, (file_name, data) in files.items():
        disposition = f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"'
        parts.append(f"{disposition}\r\nContent-Type: text/plain\r\n\r\n".encode() + data)
    body = b"".join(b"--%s\r\n%s\r\n" % (BOUNDARY.encode(), part) for part in parts)
    headers = [("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")]
    return headers, body + b"--%s--\r\n" % BOUNDARY.encode()
