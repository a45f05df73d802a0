"""`python -m gantools`: the command line, for launchers such as torchrun."""

from gantools.cli.app import main

if __name__ == "__main__":
    main()
