"""The web face. What puts its parts together is ``api.factory``: a part of it can be had without the rest."""
