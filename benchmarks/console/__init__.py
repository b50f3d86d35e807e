"""The console at a million messages: searches, board, pages, and intake while people search."""
