"""What a refresh did to the catalog's vectors and answers, and whether it may be served."""
