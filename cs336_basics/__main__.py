"""`python -m cs336_basics` is the command `cs336`."""

from cs336_basics.cli.main import main

if __name__ == "__main__":
    main()
