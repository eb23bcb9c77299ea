__version__: str

def main(argv: list[str]) -> int:
    """Run the server for `argv`, program name first; gives the exit code of the process."""
