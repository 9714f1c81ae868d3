"""`python -m plum_lsp`: the command line, for systemd units and scripts that name an interpreter."""

from plum_lsp.cli import main

if __name__ == "__main__":
    main()
