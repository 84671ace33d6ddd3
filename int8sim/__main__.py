"""`python -m int8sim` is the command `int8sim`."""

from int8sim.cli import main

if __name__ == "__main__":
    main()
