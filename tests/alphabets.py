"""What Hypothesis makes texts of."""

from hypothesis import strategies as st

# All that UTF-8 can carry. Named by its codec, a machine that has never run the tests
# tries every character first, which takes ten seconds.
UTF_8 = st.characters(exclude_categories=["Cs"])
