"""What can be asked of the server, a file for each place of the page."""
