"""The command `rwsgi`: hands the command line to the server and exits with its code."""

import signal
import sys

from rwsgi import _rwsgi


def main() -> None:
    """Run the server until it is told to stop and exit; every worker ends here as well."""
    # Python turned SIGINT into KeyboardInterrupt before this line ran. The master stops by its own
    # handler, and the application must not find Python's. An ignored SIGINT (nohup) stays ignored.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_rwsgi.main(sys.argv))


# multiprocessing's spawn imports the main script again in each child: without the guard each of
# them would become a second server.
if __name__ == "__main__":
    main()
