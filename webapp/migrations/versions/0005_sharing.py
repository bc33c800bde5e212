"""Links to films

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-29 02:40:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade():
    # In place: a batch would build the table anew in SQLite, and with the old one go the segments
    # that hang on it.
    op.add_column('film', sa.Column('share_key', sa.String(), nullable=False, server_default=''))
    op.add_column('film', sa.Column('shared_until_s', sa.Double(), nullable=False, server_default='0'))
    op.create_index('ix_film_share_key', 'film', ['share_key'], unique=False)


def downgrade():
    op.drop_index('ix_film_share_key', table_name='film')
    op.drop_column('film', 'shared_until_s')
    op.drop_column('film', 'share_key')
