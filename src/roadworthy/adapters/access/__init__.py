"""Who may do what, behind the port `Policy`, and who logs in elsewhere, behind the port `IdentityProvider`.

Lives here: the Cedar engine (`cedar.py`), the shipped rules (`roadworthy.cedar`) and their vocabulary
(`roadworthy.cedarschema`), OpenID Connect (`oidc.py`). Does not: sessions and tokens (`services/access`), or signatures
(the evidence engine).
To change the rules, copy `roadworthy.cedar`, edit the copy and name it in the settings; code stays as it is.
"""

from roadworthy.adapters.access.cedar import ACTIONS, CedarPolicy

__all__ = ["ACTIONS", "CedarPolicy"]
