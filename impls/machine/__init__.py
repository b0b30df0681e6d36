"""The machine under the implementations: its C compiler, its cache, and where what is built is kept."""
