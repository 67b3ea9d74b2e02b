"""HTML and CSS of mail made safe to show. Pure."""
