"""The report: everything about some models, gathered (`dossier`), drawn (`panels`) and written as one page (`page`)."""
