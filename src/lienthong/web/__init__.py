"""The shell of the web side: settings, urls, base templates and the status page."""
