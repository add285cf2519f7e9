"""What an order costs."""


def total(price: int, count: int) -> int:
    return price * count
