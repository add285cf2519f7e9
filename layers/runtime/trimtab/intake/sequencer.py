"""The order of S3's events for one key."""


def precedes(earlier: str, later: str) -> bool:
    """Whether S3 wrote ``earlier`` before ``later``; both are sequencers of events for the *same* key.

    Sequencers are hexadecimal texts of different lengths: the shorter is padded with zeros on the right and both are
    compared as text (https://repost.aws/knowledge-center/s3-duplicate-sqs-messages). An event without a sequencer has
    no place in the order, so nothing precedes or follows it.
    """
    if not earlier or not later:
        return False
    width = max(len(earlier), len(later))
    return earlier.ljust(width, "0") < later.ljust(width, "0")
