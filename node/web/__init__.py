"""The console: pages for the people of an office, in a browser. No rule of the work lives here (`node.services`)."""
