"""The files around a document: which modules it imports, and how they import and define names."""
