"""Who may do what, behind the port `Policy`.

Lives here: the Cedar engine (`cedar.py`), the shipped rules (`roadworthy.cedar`) and their vocabulary
(`roadworthy.cedarschema`). Does not: logins and tokens (the web edge), or signatures (the evidence engine).
To change the rules, copy `roadworthy.cedar`, edit the copy and name it in the settings; code stays as it is.
"""

from roadworthy.adapters.access.cedar import ACTIONS, CedarPolicy

__all__ = ["ACTIONS", "CedarPolicy"]
