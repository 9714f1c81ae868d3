"""`python -m plum_trainer`: the trainer's command line, where its script is not installed."""

from plum_trainer.cli import main

if __name__ == "__main__":
    main()
