"""A key that MLflow keeps secrets of webhooks with."""

from cryptography.fernet import Fernet

print(Fernet.generate_key().decode())
