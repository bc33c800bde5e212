"""Make and check themes: from pictures, music videos or makers to networks, card and figures."""
